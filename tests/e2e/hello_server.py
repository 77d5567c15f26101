"""An HTTP server that answers every request with one text."""

import http.server
import socket
import socketserver
import threading


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Version4(http.server.ThreadingHTTPServer):
    def server_bind(self):
        # Not HTTPServer's: it looks for the address's name, and where no resolver answers that takes seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


class Version6(Version4):
    address_family = socket.AF_INET6


def serve(address, port, text):
    """The server, which is running; port 0 is any."""
    kind = Version6 if ":" in address else Version4
    server = kind((address, port), Hello)
    server.text = text
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
