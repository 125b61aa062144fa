# docs/deploy.md says how to run it.
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY windowclf windowclf
COPY cli cli
COPY service service
COPY data data
RUN python -m venv /opt/windowclf \
    && /opt/windowclf/bin/python -m pip install --no-cache-dir .

FROM python:3.12-slim
COPY --from=build /opt/windowclf /opt/windowclf
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin windowclf
ENV PATH=/opt/windowclf/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:8000/v2/health/ready', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["windowclf", "serve", "--host", "0.0.0.0", "--port", "8000"]
# models are mounted at /models and named behind the image: docker run … windowclf /models/mine
CMD ["--help"]
