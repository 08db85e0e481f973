# fproc in a container: `make docker-build`, then `make docker-run`, or `docker compose up` for compose.yaml.
# The first stage builds the one executable file from this clone; the second has Python, and that file.
ARG BUILD_BASE=python:3.13
ARG BASE=python:3.13-slim

FROM ${BUILD_BASE} AS build
WORKDIR /source
COPY . .
RUN python3 -m venv /build && /build/bin/pip install --no-cache-dir '.[pyz]'
# Unpacked and compiled here, as the root of the container may be read-only.
RUN mkdir -p /opt/fproc \
    && /build/bin/python -m fproc.pyz.build /opt/fproc/fproc.pyz \
    && SHIV_ROOT=/opt/fproc/cache python3 /opt/fproc/fproc.pyz --version

FROM ${BASE}
COPY --from=build /opt/fproc /opt/fproc
RUN ln -s /opt/fproc/fproc.pyz /usr/local/bin/fproc && install -d -o 10001 -g 10001 /data
# All that fproc writes is below this folder: pipeline.json, watch_dir and .env are looked for here.
WORKDIR /data
VOLUME /data
ENV SHIV_ROOT=/opt/fproc/cache
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# By the folders and the instance's own word, so it is right for any port, with a token and without a dashboard.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["fproc", "--status"]
ENTRYPOINT ["fproc"]
CMD ["--watch"]
