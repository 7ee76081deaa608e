# A server somewhere else: says what it was asked.
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"outside: {self.requestline}\n{self.headers}".encode())

    def log_message(self, *args):
        pass


HTTPServer(("198.51.100.2", 8000), Handler).serve_forever()
