# Security-hardened Dockerfile
FROM gcr.io/distroless/static-debian11:nonroot

# Copy statically-linked binary
COPY --from=builder /build/echo-server /usr/local/bin/echo-server

# Run as non-root user
USER 65534:65534

# Read-only root filesystem
# Temporary directories mounted as tmpfs

ENTRYPOINT ["/usr/local/bin/echo-server"]
