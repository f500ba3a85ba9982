// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.upload;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Divides one round's runs into objects: large runs alone, the others in bundles in order of stream id. */
final class BundlePlan {
    private BundlePlan() {}

    /**
     * @param largeRunBytes runs of at least this size get an object of their own
     * @param maxObjectBytes a bundle is closed before it grows beyond this
     */
    static List<List<SegmentRun>> divide(List<SegmentRun> runs, long largeRunBytes, long maxObjectBytes) {
        List<SegmentRun> sorted = new ArrayList<>(runs);
        sorted.sort(Comparator.comparingLong(run -> run.tail().streamId()));
        List<List<SegmentRun>> objects = new ArrayList<>();
        List<SegmentRun> bundle = new ArrayList<>();
        long bundleBytes = 0;
        for (SegmentRun run : sorted) {
            long bytes = run.run().sizeBytes();
            if (bytes >= largeRunBytes) {
                objects.add(List.of(run));
                continue;
            }
            if (!bundle.isEmpty() && bundleBytes + bytes > maxObjectBytes) {
                objects.add(bundle);
                bundle = new ArrayList<>();
                bundleBytes = 0;
            }
            bundle.add(run);
            bundleBytes += bytes;
        }
        if (!bundle.isEmpty()) {
            objects.add(bundle);
        }
        return objects;
    }
}
