"""The gateway dialect: a gRPC service and, from the same description, its REST/JSON bridge."""
