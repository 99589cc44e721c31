"""What Prometheus is told: samples, the server, the board and the alerts."""
