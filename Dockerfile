# One image for web, worker, clock and bridge: exactly what uv.lock names, no tools, an ordinary user.
FROM python:3.11-slim-bookworm AS packages
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /app
COPY pyproject.toml uv.lock ./
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN uv sync --locked --no-dev --no-cache

FROM python:3.11-slim-bookworm
# lightgbm asks the machine for OpenMP.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=flexplatform.settings \
    MPLCONFIGDIR=/tmp/matplotlib \
    STATIC_ROOT=/app/static \
    VAR_DIR=/var/lib/flexplatform
COPY --from=packages /app/.venv .venv
COPY . .
RUN VAR_DIR=/tmp/build python manage.py collectstatic --verbosity 0 --no-input && rm -rf /tmp/build \
    && python -m compileall -q manage.py flexplatform assets telemetry forecasting optimization flexmarket \
    # A new volume takes its owner from these folders: the platform's user, and the one of mosquitto's image.
    && install -d -o 10001 -g 10001 /var/lib/flexplatform \
    && install -d -o 1883 -g 1883 -m 0700 /mosquitto/access
USER 10001:10001
EXPOSE 8000
CMD ["gunicorn", "flexplatform.wsgi", "--config", "python:flexplatform.operations.gunicorn", "--bind", "0.0.0.0:8000"]
