"""A debugger for one request: dbgp.py PORT. Says what the program is, and lets it run: https://xdebug.org/docs/dbgp"""
import re
import socket
import sys

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    print("listening", flush=True)
    server.settimeout(60)
    connection, _ = server.accept()
    connection.settimeout(20)
    data = b""
    while data.count(b"\0") < 2:
        data += connection.recv(65536)
    init = data.decode()
    for name in ("fileuri", "idekey"):
        print(name, re.search(rf'\b{name}="([^"]*)"', init)[1], flush=True)
    connection.sendall(b"run -i 1\0")
    while (data := connection.recv(65536)):
        if b'status="stopping"' in data:
            connection.sendall(b"stop -i 2\0")
