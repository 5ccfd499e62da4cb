"""What other programs connect to: the Wyoming server, and the page with the figures."""
