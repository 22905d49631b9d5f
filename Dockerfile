# docker build -t refocus . && docker run -p 127.0.0.1:8501:8501 -v refocus:/data refocus
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 refocus && install -d -o refocus -g refocus /data
WORKDIR /srv/refocus

COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY . .
USER refocus

# Database, images, runs and models: the only thing to keep and to back up.
ENV REFOCUS_HOME=/data PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8501

HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]

# 0.0.0.0 is the container's own network: what is reachable from outside is decided by `docker run -p`.
CMD ["streamlit", "run", "app/main.py", "--server.address=0.0.0.0", "--server.headless=true"]
