# One image for every process of the product; compose.yaml says which container runs which.
FROM python:3.11-slim AS packages
WORKDIR /srv
COPY requirements.lock .
RUN python -m venv /srv/venv \
 && /srv/venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock

FROM python:3.11-slim
RUN useradd --system --uid 10001 --user-group --home-dir /srv --shell /usr/sbin/nologin app \
 && install -d -o app -g app /work
ENV PATH=/srv/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 WORK_DIR=/work
WORKDIR /srv
COPY --from=packages /srv/venv venv
COPY app.py settings.py pyproject.toml ./
COPY domain domain
COPY edge edge
COPY gateways gateways
COPY i18n i18n
COPY live live
COPY media media
COPY models models
COPY plan plan
COPY resolvers resolvers
COPY schema schema
COPY workers workers
COPY web/operations.json web/operations.json
# Compiled here: where it runs, nothing can be written.
RUN python -m compileall -q .
USER app
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "uvicorn", "app:create_app", "--factory", "--host", "0.0.0.0", "--port", "8000", \
     "--loop", "uvloop", "--http", "edge.wire:Http", "--no-access-log", "--ws-per-message-deflate", "false", \
     "--ws-ping-interval", "0", "--ws-max-size", "1048576", "--timeout-graceful-shutdown", "20", \
     "--timeout-keep-alive", "75"]
