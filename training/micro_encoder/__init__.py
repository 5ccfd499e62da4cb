"""The speech embedding's student: an encoder on the micro front end, for devices and bare machines."""
