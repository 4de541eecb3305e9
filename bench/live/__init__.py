"""How live updates scale: thousands of sockets, beside Node's graphql-ws and a bare broadcast. `make bench-live`."""
