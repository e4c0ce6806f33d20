/** Runs `work`, which names what is to be ended after it, however it ends; last named, first ended. */
export async function closing(work) {
  const ends = [];
  try {
    return await work((running, end = () => running.stop()) => {
      ends.unshift(end);
      return running;
    });
  } finally {
    for (const end of ends) await end();
  }
}
