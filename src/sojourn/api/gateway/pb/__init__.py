"""Generated from `proto/sojourn/v3/journey_gateway.proto`; committed, so that running Sojourn needs no protoc.

Made again, from the root of the repository, by

    python -m grpc_tools.protoc -I proto -I "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
        --python_out=src/sojourn/api/gateway/pb --pyi_out=src/sojourn/api/gateway/pb sojourn/v3/journey_gateway.proto

There are no gRPC stubs: the server registers what the descriptors say.
"""
