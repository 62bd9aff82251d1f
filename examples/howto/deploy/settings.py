ALLOWED_HOSTS = ["chat.example"]

# The proxy ends the TLS connection, and says so in this header, whatever the client has written there.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
