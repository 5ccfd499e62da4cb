# kws daemon for linux/amd64 and linux/arm64. See docs/deployment.md.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY kws kws
COPY training training
COPY firmware_export firmware_export
# Wheels exist for both processors, so nothing is compiled here but our own wheel.
RUN python3 -m venv /opt/kws && /opt/kws/bin/pip install --no-cache-dir '.[daemon]'

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libportaudio2 python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/kws --groups audio kws
COPY --from=build /opt/kws /opt/kws
USER kws
WORKDIR /var/lib/kws
ENV PATH=/opt/kws/bin:$PATH PYTHONUNBUFFERED=1
HEALTHCHECK --start-period=30s CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:10480/healthz', timeout=5)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["kws"]
CMD ["daemon"]
