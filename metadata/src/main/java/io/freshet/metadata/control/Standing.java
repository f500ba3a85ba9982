// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.stream.WalState;
import io.freshet.metadata.MemberState;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.jspecify.annotations.Nullable;

/**
 * What a broker can be trusted with.
 *
 * @param isGone no process of it can come back under what it led: it is not registered, or its session is over
 * @param isServing registered, unfenced, session alive as far as the log says
 * @param isLeaving the operator drains it, or it wants to stop
 * @param isStopping it wants to stop
 * @param hasOpenWal an S3 WAL of it is not sealed
 * @param walLanes lanes that may hold its records, the default first
 */
record Standing(
        int brokerId,
        @Nullable String rack,
        boolean isGone,
        boolean isServing,
        boolean isLeaving,
        boolean isStopping,
        boolean hasOpenWal,
        List<String> walLanes) {
    /** Whether new leadership may come here. */
    boolean isWelcome() {
        return isServing && !isLeaving;
    }

    /** All brokers that are registered or once were, by id. */
    static Map<Integer, Standing> of(Speculation state) {
        MetadataImage image = state.image();
        Set<Integer> withOpenWal = new HashSet<>();
        for (WalState wal : state.manifests().wals().wals()) {
            if (!wal.isSealed()) {
                withOpenWal.add(wal.brokerId());
            }
        }
        Map<Integer, MemberState> members = new HashMap<>();
        state.manifests().members().members().forEach(member -> members.put(member.brokerId(), member));
        Set<Integer> ids = new HashSet<>(members.keySet());
        ids.addAll(image.cluster().brokers().keySet());
        Map<Integer, Standing> standings = new TreeMap<>();
        for (int id : ids) {
            MemberState member = members.get(id);
            boolean isDrained = isDrained(image, member, id);
            standings.put(id, of(id, image.cluster().broker(id), member, isDrained, withOpenWal.contains(id)));
        }
        return standings;
    }

    /** Whether the operator wants nothing on a broker. */
    static boolean isDrained(MetadataImage image, @Nullable MemberState member, int brokerId) {
        return (member != null && member.isDrained()) || isDrainedByConfig(image, brokerId);
    }

    private static boolean isDrainedByConfig(MetadataImage image, int brokerId) {
        ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, Integer.toString(brokerId));
        return Boolean.parseBoolean(
                image.configs().configMapForResource(broker).getOrDefault(MemberState.DRAINED_CONFIG, "false"));
    }

    private static Standing of(
            int id,
            @Nullable BrokerRegistration registered,
            @Nullable MemberState member,
            boolean isDrained,
            boolean hasOpenWal) {
        List<String> lanes = member == null ? List.of() : member.walLanes();
        if (registered == null) {
            return new Standing(id, null, true, false, false, false, hasOpenWal, lanes);
        }
        boolean isGone = member != null && member.isLapsed();
        boolean isStopping = registered.inControlledShutdown();
        return new Standing(
                id,
                registered.rack().orElse(null),
                isGone,
                !isGone && !registered.fenced(),
                isStopping || isDrained,
                isStopping,
                hasOpenWal,
                lanes);
    }
}
