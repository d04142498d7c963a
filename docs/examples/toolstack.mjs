// Toolstack: a function of some toolstack, for the test beside it.

/** Gives a domain a network device: both ends, or neither. */
export async function addVif(xs, domid, index, mac) {
  const front = `/local/domain/${domid}/device/vif/${index}`;
  const back = `/local/domain/0/backend/vif/${domid}/${index}`;
  await xs.transaction(async (tx) => {
    if (await tx.exists(front)) throw new Error(`domain ${domid} has vif ${index} already`);
    // Each end belongs to one side and is read by the other; what is made below inherits that.
    await tx.mkdir(front);
    await tx.setPerms(front, `n${domid} r0`);
    await tx.mkdir(back);
    await tx.setPerms(back, `n0 r${domid}`);

    await tx.write(`${front}/backend`, back);
    await tx.write(`${front}/backend-id`, 0);
    await tx.write(`${front}/state`, 1);
    await tx.write(`${back}/frontend`, front);
    await tx.write(`${back}/frontend-id`, domid);
    await tx.write(`${back}/mac`, mac);
    await tx.write(`${back}/state`, 1);
  });
}
