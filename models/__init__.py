"""The domain: tables, the rules that keep them true, and the clients of outside services."""
