"""What tests share: servers, and how skipping is judged."""
