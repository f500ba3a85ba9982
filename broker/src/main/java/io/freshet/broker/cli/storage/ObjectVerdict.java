// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.inspect.BatchVisitor;
import io.freshet.storage.inspect.Damage;
import io.freshet.storage.inspect.Finding;
import io.freshet.storage.inspect.Finding.Kind;
import io.freshet.storage.inspect.ObjectInspector;
import io.freshet.storage.inspect.ObjectLayout;
import io.freshet.storage.inspect.ObjectName;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What was found in one object.
 *
 * @param layout null if the object is missing
 */
record ObjectVerdict(String key, ObjectName name, @Nullable ObjectLayout layout, List<Finding> findings) {
    /** Any size is right. */
    static final long ANY_SIZE = -1;

    /** Reads the object's tail and header, and with {@code deep} every block. Any thread. */
    static ObjectVerdict of(OpenStore store, String key, long expectedSizeBytes, boolean deep) {
        long objectId = ObjectKeys.objectId(key);
        List<Finding> findings = new ArrayList<>();
        Optional<ObjectStat> stat = store.stat(key);
        if (stat.isEmpty()) {
            findings.add(Finding.ofObject(Kind.MISSING, key, objectId, -1, "the store has no such object"));
            return new ObjectVerdict(key, ObjectName.of(key), null, findings);
        }
        long size = stat.get().sizeBytes();
        if (expectedSizeBytes != ANY_SIZE && size != expectedSizeBytes) {
            findings.add(Finding.ofObject(
                    Kind.DAMAGED,
                    key,
                    objectId,
                    -1,
                    "it has " + size + " bytes, the quorum says " + expectedSizeBytes));
        }
        ObjectName name = ObjectName.of(key);
        ObjectInspector inspector = new ObjectInspector(store.bytes(key, size), name);
        ObjectLayout layout = inspector.layout();
        List<Damage> damages = new ArrayList<>(layout.damages());
        if (deep) {
            for (int i = 0; i < layout.blocks().size(); i++) {
                BlockEntry entry = layout.blocks().get(i);
                damages.addAll(inspector.checkBlock(layout.objectId(), i, entry, BatchVisitor.NONE));
            }
        }
        for (Damage damage : damages) {
            findings.add(Finding.ofObject(
                    Kind.DAMAGED,
                    key,
                    objectId,
                    damage.position(),
                    damage.part() + " at position " + damage.position() + ": " + damage.message()));
        }
        return new ObjectVerdict(key, name, layout, findings);
    }

    /** Whether it is a WAL's fence. */
    boolean isFence() {
        return layout != null && layout.header() != null && name.isFence(layout.header());
    }
}
