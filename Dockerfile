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
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY patches ./patches
RUN npm ci --omit=dev
COPY drizzle ./drizzle
COPY --from=build /app/dist ./dist
USER node
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "-e", "const { HOST, PORT } = process.env; require('http').get({ host: HOST || '127.0.0.1', port: PORT || 8000, path: '/health' }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# As `npm start` does; the README says what the option is for.
CMD ["node", "--max-semi-space-size=32", "dist/server.js"]
