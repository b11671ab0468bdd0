# A small image of the service alone: a static binary, a user without rights, and nothing that it does not need.
#
#   docker build --build-arg COMMIT=$(git rev-parse HEAD) -t shoptalk .
#   docker run --env-file .env -p 127.0.0.1:5000:5000 -v shoptalk:/var/lib/shoptalk shoptalk
FROM rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /source
COPY . .
ARG COMMIT=""
RUN SHOPTALK_COMMIT="$COMMIT" cargo build --release --locked --no-default-features \
    && strip target/release/shoptalk \
    && target/release/shoptalk --version

FROM alpine:3.22
COPY --from=build /source/target/release/shoptalk /usr/local/bin/shoptalk
# Numbers, so that an orchestrator sees that it is not root.
RUN addgroup -g 10001 shoptalk \
    && adduser -S -D -H -u 10001 -G shoptalk -h /var/lib/shoptalk shoptalk \
    && install -d -m 700 -o 10001 -g 10001 /var/lib/shoptalk /var/lib/shoptalk/data /var/lib/shoptalk/files
USER 10001:10001
WORKDIR /var/lib/shoptalk
# Inside the container all interfaces are the container's own; what is reached from outside is said when it is started.
ENV HOST=0.0.0.0 PORT=5000 OUTPUT_DIR=/var/lib/shoptalk/files
VOLUME /var/lib/shoptalk
EXPOSE 5000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD wget -q -O /dev/null "http://127.0.0.1:${PORT:-5000}/ready"
STOPSIGNAL SIGTERM
ENTRYPOINT ["shoptalk"]
CMD ["serve"]
