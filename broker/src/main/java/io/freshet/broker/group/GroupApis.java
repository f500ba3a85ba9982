// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import io.freshet.broker.api.ApiRouter;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.coordinator.group.GroupCoordinator;
import org.apache.kafka.metadata.MetadataCache;

/** Registers every group API that is served. */
public final class GroupApis {
    private GroupApis() {}

    /**
     * @param createOffsetsTopic begins to create {@code __consumer_offsets} and returns at once; may be called while it is
     *     being created
     */
    public static void register(
            ApiRouter router, GroupCoordinator coordinator, MetadataCache cache, Runnable createOffsetsTopic) {
        router.register(
                ApiKeys.FIND_COORDINATOR,
                new FindCoordinatorHandler(coordinator::partitionFor, cache, createOffsetsTopic));
        new GroupMembershipApis(coordinator).register(router);
        new GroupAdminApis(coordinator).register(router);
        router.register(ApiKeys.OFFSET_COMMIT, new OffsetCommitHandler(coordinator, cache));
        router.register(ApiKeys.OFFSET_FETCH, new OffsetFetchHandler(coordinator, cache));
        router.register(ApiKeys.OFFSET_DELETE, new OffsetDeleteHandler(coordinator, cache));
    }
}
