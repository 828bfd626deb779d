#!/usr/bin/env python3
"""A key management system as the authentication service of eseal asks for one: two calls, one page.

It shows the interface of docs/guides/hosted-keys.md and is what the tests ask. It is no place for real keys: replace `Keys` by calls
of the KMS that you have (Transit of HashiCorp Vault, a cloud's, an HSM's).

    pip install cryptography
    head -c 32 /dev/urandom | xxd -p -c 64 > keys/eseal-2027     # one key per file, named as it is asked for
    printf %s "$(openssl rand -hex 24)" > token; chmod 600 token
    kms.py --keys keys --token-file token --port 7500

Over a network it takes TLS, and knows who asks by a certificate as well, or by that alone:

    kms.py --keys keys --tls-cert tls.crt --tls-key tls.key --client-ca ca.crt --port 7500
"""

import argparse
import base64
import hmac
import json
import os
import pathlib
import re
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LONGEST = 16 << 10


class Keys:
    """Wraps and unwraps with keys that no caller ever sees. `context` must be the same both times."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def cipher(self, key_id):
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", key_id):
            raise KeyError(key_id)
        try:
            return AESGCM(bytes.fromhex((self.folder / key_id).read_text()))
        except FileNotFoundError:
            raise KeyError(key_id) from None

    def wrap(self, key_id, context, plaintext):
        nonce = os.urandom(12)
        return nonce + self.cipher(key_id).encrypt(nonce, plaintext, context.encode())

    def unwrap(self, key_id, context, wrapped):
        return self.cipher(key_id).decrypt(wrapped[:12], wrapped[12:], context.encode())


class Calls(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST:
            self.close_connection = True
            return self.answer(413, {"error": "too long"})
        body = self.rfile.read(length)
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        token = self.server.token
        if token is not None and not hmac.compare_digest(given.encode(), token):
            return self.answer(401, {"error": "who are you?"})
        try:
            asked = json.loads(body)
            key_id, context = asked["key_id"], asked["context"]
            if self.path == "/v1/wrap":
                wrapped = self.server.keys.wrap(key_id, context, base64.b64decode(asked["plaintext"], validate=True))
                return self.answer(200, {"wrapped": base64.b64encode(wrapped).decode()})
            if self.path == "/v1/unwrap":
                plaintext = self.server.keys.unwrap(key_id, context, base64.b64decode(asked["wrapped"], validate=True))
                return self.answer(200, {"plaintext": base64.b64encode(plaintext).decode()})
            return self.answer(404, {"error": "no such call"})
        except KeyError:
            return self.answer(404, {"error": "no such key"})
        except InvalidTag:
            return self.answer(422, {"error": "not wrapped with this key for this context"})
        except (ValueError, TypeError):
            return self.answer(400, {"error": "not understood"})

    def answer(self, status, message):
        body = json.dumps(message).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Who wrapped what for which context belongs into the audit log of a real KMS; never the keys."""


class Server(ThreadingHTTPServer):
    """Shakes hands in the thread of each connection: a client that says nothing keeps nobody else waiting."""

    tls = None

    def process_request_thread(self, request, client_address):
        if self.tls:
            request.settimeout(10)
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except OSError as error:  # SSLError is one: a certificate that is missing, or of somebody else
                print(f"{client_address[0]}: {error}", file=sys.stderr)
                return self.shutdown_request(request)
        super().process_request_thread(request, client_address)


def mutual(asked):
    """TLS in which the caller shows a certificate that --client-ca issued."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(asked.tls_cert, asked.tls_key)
    if asked.client_ca:
        context.load_verify_locations(asked.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--keys", required=True)
    options.add_argument("--token-file")
    options.add_argument("--tls-cert")
    options.add_argument("--tls-key")
    options.add_argument("--client-ca", help="who asks shows a certificate of it")
    options.add_argument("--port", type=int, default=7500, help="0 takes a free one; the port is printed")
    asked = options.parse_args()
    if not asked.token_file and not asked.client_ca:
        options.error("--token-file or --client-ca: else everybody has the keys unwrapped")
    if bool(asked.tls_cert) != bool(asked.tls_key) or (asked.client_ca and not asked.tls_cert):
        options.error("--tls-cert and --tls-key belong together, and --client-ca needs them")
    server = Server(("127.0.0.1", asked.port), Calls)
    server.keys = Keys(asked.keys)
    server.token = pathlib.Path(asked.token_file).read_bytes().strip() if asked.token_file else None
    server.tls = mutual(asked) if asked.tls_cert else None
    print(server.server_address[1])
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
