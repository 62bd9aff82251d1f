"""Who it is: whom Channels has found."""

WS_MIDDLEWARE = ["interop.mysite.scope_user.scope_user"]
