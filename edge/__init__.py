"""What meets the network: HTTP and websocket endpoints, who is calling, health and metrics."""
