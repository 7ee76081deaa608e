"""The npm registry for a network of a test's own: listens there, and asks the real one from the network of the descriptor given.

registry.py ADDRESS DESCRIPTOR: prints its port.
"""
import ctypes
import http.server
import os
import sys
import urllib.error
import urllib.request

UPSTREAM = "https://registry.npmjs.org"
CLONE_NEWNET = 0x40000000


class Relay(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.request.Request(UPSTREAM + self.path, headers={"Accept": self.headers.get("Accept", "*/*")})
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                self.answer(answer.status, answer.headers.get("Content-Type", ""), answer.read())
        except urllib.error.HTTPError as e:
            self.answer(e.code, "text/plain", b"")

    def do_POST(self):
        self.answer(404, "text/plain", b"")

    def answer(self, code, kind, body):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer((sys.argv[1], 0), Relay)
if ctypes.CDLL(None, use_errno=True).setns(int(sys.argv[2]), CLONE_NEWNET):
    sys.exit(f"setns: {os.strerror(ctypes.get_errno())}")
print(server.server_port, flush=True)
server.serve_forever()
