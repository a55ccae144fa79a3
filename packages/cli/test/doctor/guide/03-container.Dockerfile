# Use distroless base image for minimal attack surface
FROM gcr.io/distroless/base-debian11:latest

# Copy binary built with CGO_ENABLED=0
COPY echo-server /usr/local/bin/echo-server

# Non-root user
USER 65534:65534

# Expose service port
EXPOSE 8080

# Health check endpoint
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/usr/local/bin/echo-server", "health"]

ENTRYPOINT ["/usr/local/bin/echo-server"]
