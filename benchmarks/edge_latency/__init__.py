"""What the server costs on top of the network: POST inspect over the bare runner."""
