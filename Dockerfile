# docker build -t refocus . && docker run -p 127.0.0.1:8501:8501 -v refocus:/data refocus
# docker build -t refocus:cuda --build-arg DEVICE=cuda . && docker run --gpus all …
# Server, trainer and PostgreSQL in containers of their own: compose.yaml
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 refocus && install -d -o refocus -g refocus /data
WORKDIR /srv/refocus

# cpu: PyTorch without CUDA, some GB less; cuda: as PyPI has it, with CUDA's libraries. The driver is the host's.
ARG DEVICE=cpu
COPY requirements.txt requirements-postgresql.txt requirements-sign-in.txt ./
RUN if [ "$DEVICE" = cpu ]; then \
      grep -E '^torch(vision)?[>=]' requirements.txt > torch.txt && \
      pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu -r torch.txt && rm torch.txt; \
    fi && \
    pip install --no-cache-dir -r requirements.txt -r requirements-postgresql.txt -r requirements-sign-in.txt

COPY . .
# The server, the trainer and each of its processes start without compiling the program first.
RUN python -m compileall -q app db gain_core
USER refocus

# Database, images, runs and models: the only thing to keep and to back up.
ENV REFOCUS_HOME=/data PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8501

# /health leads to the right place under any STREAMLIT_SERVER_BASE_URL_PATH. No proxy of the environment is asked.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:%s/health' % os.environ.get('STREAMLIT_SERVER_PORT', 8501), timeout=4)"]

# 0.0.0.0 is the container's own network: what is reachable from outside is decided by `docker run -p`, and under
# which names by REFOCUS_ALLOWED_HOSTS (localhost alone without it).
CMD ["streamlit", "run", "app/main.py", "--server.address=0.0.0.0", "--server.headless=true"]
