"""Stands in for a control plane where a machine tells its stages: writes down what it was told."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Progress(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        told = {"path": self.path, "authorization": self.headers["Authorization"], "body": json.loads(body)}
        with open(sys.argv[1], "a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", 8080), Progress).serve_forever()
