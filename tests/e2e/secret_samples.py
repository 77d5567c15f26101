"""A secret, and the forms of it that end-to-end tests look for."""

import base64

VALUE = "hunter22-x9zq-w7"
FORMS = [VALUE.encode(), *(base64.b64encode(b"x" * n + VALUE.encode())[4 if n else 0:-4] for n in range(3)),
         VALUE.encode().hex().encode()]
