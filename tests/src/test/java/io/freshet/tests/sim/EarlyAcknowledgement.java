// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.FreshetException;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** An S3 lane that acknowledges each slot as soon as that is durable, whatever has become of the slots before it. */
final class EarlyAcknowledgement extends Sabotage {
    private final Map<SimProcess, List<Once>> waiting = new HashMap<>();

    @Override
    public WriteAheadLog wal(WriteAheadLog real, SimProcess process, SimRandom random) {
        List<Once> entries = waiting.computeIfAbsent(process, key -> new ArrayList<>());
        return new TamperedWal(real) {
            @Override
            public void append(WalEntry entry) {
                Once wrapped = new Once(entry, real);
                entries.add(wrapped);
                super.append(wrapped);
            }
        };
    }

    @Override
    public void created(SimProcess process, String key, byte[] bytes) {
        if (!key.startsWith("wal/")) {
            return;
        }
        for (ObjectFile.Segment segment : ObjectFile.read(key, bytes, -1).segments()) {
            for (Once entry : List.copyOf(waiting.getOrDefault(process, List.of()))) {
                if (entry.isIn(segment)) {
                    entry.onDurable(entry.lane.endLsn());
                }
            }
        }
    }

    /** Is told once that it is durable. */
    private static final class Once implements WalEntry {
        private final WalEntry real;
        private final WriteAheadLog lane;
        private boolean isTold;

        Once(WalEntry real, WriteAheadLog lane) {
            this.real = real;
            this.lane = lane;
        }

        boolean isIn(ObjectFile.Segment segment) {
            return real.streamId() == segment.streamId()
                    && real.baseOffset() >= segment.startOffset()
                    && real.endOffset() <= segment.endOffset();
        }

        @Override
        public void onDurable(long lsn) {
            if (!isTold) {
                isTold = true;
                real.onDurable(lsn);
            }
        }

        @Override
        public void onFailed(FreshetException cause) {
            if (!isTold) {
                isTold = true;
                real.onFailed(cause);
            }
        }

        @Override
        public long streamId() {
            return real.streamId();
        }

        @Override
        public int leaderEpoch() {
            return real.leaderEpoch();
        }

        @Override
        public long baseOffset() {
            return real.baseOffset();
        }

        @Override
        public long endOffset() {
            return real.endOffset();
        }

        @Override
        public ByteBuffer payload() {
            return real.payload();
        }

        @Override
        public int payloadSizeBytes() {
            return real.payloadSizeBytes();
        }

        @Override
        public void retainPayload() {
            real.retainPayload();
        }

        @Override
        public void releasePayload() {
            real.releasePayload();
        }
    }
}
