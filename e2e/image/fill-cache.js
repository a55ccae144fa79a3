// Runs in the container. A cache that takes three quarters of what V8 may have, as caches do that ask V8 for their bound.
import { getHeapStatistics } from 'node:v8';

const limit = getHeapStatistics().heap_size_limit;
const cache = [];
while (process.memoryUsage().heapUsed < limit * 0.75)
  for (let number = 0; number < 64; number++) cache.push(Array.from({ length: 1024 }, (_, index) => number + index + 0.5));
console.log(JSON.stringify({ limit: Math.round(limit / 1024 / 1024), entries: cache.length }));
