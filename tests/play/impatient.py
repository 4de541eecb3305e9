"""The product's HTTP for tests that cannot wait half a minute: `--http tests.play.impatient:Http`."""

from edge import wire


class Http(wire.Http):
    seconds = 0.4
    bytes_per_second = 1000
