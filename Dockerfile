# kws daemon for linux/amd64 and linux/arm64. See docs/deployment.md.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY kws kws
COPY training training
COPY firmware_export firmware_export
# Wheels exist for both processors, so nothing is compiled here but our own wheel.
RUN python -m venv /opt/kws && /opt/kws/bin/pip install --no-cache-dir '.[daemon]'

FROM python:3.12-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libasound2-plugins libportaudio2 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/kws --groups audio kws
COPY --from=build /opt/kws /opt/kws
USER kws
WORKDIR /var/lib/kws
ENV PATH=/opt/kws/bin:$PATH PYTHONUNBUFFERED=1
HEALTHCHECK --start-period=30s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:10480/healthz', timeout=5)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["kws"]
CMD ["daemon"]
