"""What runs around the services: images, proxy, rules, trials, and the development servers."""
