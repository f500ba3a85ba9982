// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.storage.cache.TierFile;
import java.io.IOException;
import java.nio.ByteBuffer;

/** The disk cache's file: it forgets, damages and fails as it likes. */
final class SimTierFile implements TierFile {
    private final World world;
    private final SimProcess process;
    private final SimRandom random;
    private final byte[] bytes;
    private boolean isGone;

    SimTierFile(World world, SimProcess process, int sizeBytes) {
        this.world = world;
        this.process = process;
        this.random = world.random.fork();
        this.bytes = new byte[sizeBytes];
    }

    private void touch() throws IOException {
        Swarm swarm = world.swarm;
        if (isGone || random.chance(swarm.now(swarm.tierFails) * 0.02)) {
            world.counts.add("disk cache fails");
            isGone = true;
            throw new IOException("input/output error");
        }
        if (random.chance(swarm.now(swarm.tierDamages) * 0.02)) {
            world.counts.add("disk cache loses its content");
            java.util.Arrays.fill(bytes, (byte) 0);
        }
    }

    @Override
    public void read(long position, ByteBuffer target) throws IOException {
        touch();
        world.counts.add("disk cache is read");
        int at = target.position();
        target.put(bytes, (int) position, target.remaining());
        if (target.position() > at && random.chance(world.swarm.now(world.swarm.tierDamages))) {
            world.counts.add("disk cache is damaged");
            int damaged = at + random.below(target.position() - at);
            target.put(damaged, (byte) (target.get(damaged) ^ (1 << random.below(8))));
        }
    }

    @Override
    public void write(long position, ByteBuffer source) throws IOException {
        touch();
        world.time.note(process, "disk cache write", position, source.remaining());
        source.get(bytes, (int) position, source.remaining());
    }

    @Override
    public String description() {
        return "sim";
    }

    @Override
    public void close() {}
}
