/** The name of gRPC's status, which tells an outage from a wrong namespace or a missing permission. */
export function grpcStatus(error: unknown): string {
  for (let layer = error; layer instanceof Error; layer = layer.cause) {
    const [, name] = /^\d+ ([A-Z_]+):/.exec(layer.message) ?? [];
    if (name !== undefined) return name;
  }
  return 'no gRPC status';
}
