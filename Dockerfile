# Builds dist/ with the development dependencies …
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY patches ./patches
RUN npm ci
COPY tsconfig.json build.mjs ./
COPY src ./src
RUN npm run build

# … and keeps what runs.
FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="todo-backend"
LABEL org.opencontainers.image.description="A to-do backend for many people: accounts, tasks, sync and live events over JSON HTTP"
LABEL org.opencontainers.image.version="1.1.0"
LABEL org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY patches ./patches
# With a bill of materials: every package that is in here, in SPDX.
RUN npm ci --omit=dev && npm sbom --omit=dev --sbom-format=spdx --package-lock-only >sbom.spdx.json
COPY drizzle ./drizzle
COPY --from=build /app/dist ./dist
# By number: Kubernetes can tell then that it is not root.
USER 1000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "-e", "const { HOST, PORT } = process.env; require('http').get({ host: HOST || '127.0.0.1', port: PORT || 8000, path: '/health' }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# As `npm start` does; the README says what the option is for.
CMD ["node", "--max-semi-space-size=32", "dist/server.js"]
