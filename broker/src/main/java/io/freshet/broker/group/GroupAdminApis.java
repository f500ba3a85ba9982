// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.group;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.AuthorizedOperations;
import io.freshet.broker.api.CallContext;
import io.freshet.broker.api.KafkaErrors;
import io.freshet.broker.api.Replies;
import io.freshet.protocol.KafkaRequest;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.message.ConsumerGroupDescribeResponseData;
import org.apache.kafka.common.message.DeleteGroupsResponseData;
import org.apache.kafka.common.message.DeleteGroupsResponseData.DeletableGroupResult;
import org.apache.kafka.common.message.DescribeGroupsResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ConsumerGroupDescribeRequest;
import org.apache.kafka.common.requests.ConsumerGroupDescribeResponse;
import org.apache.kafka.common.requests.DeleteGroupsRequest;
import org.apache.kafka.common.requests.DeleteGroupsResponse;
import org.apache.kafka.common.requests.DescribeGroupsRequest;
import org.apache.kafka.common.requests.DescribeGroupsResponse;
import org.apache.kafka.common.requests.ListGroupsRequest;
import org.apache.kafka.common.requests.ListGroupsResponse;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.apache.kafka.coordinator.group.GroupCoordinator;

/** Listing, describing and deleting groups. */
final class GroupAdminApis {
    private static final int FIRST_DESCRIBE_VERSION_WITH_OPERATIONS = 3;

    private final GroupCoordinator coordinator;

    GroupAdminApis(GroupCoordinator coordinator) {
        this.coordinator = coordinator;
    }

    void register(ApiRouter router) {
        router.register(ApiKeys.LIST_GROUPS, this::list);
        router.register(ApiKeys.DESCRIBE_GROUPS, this::describe);
        router.register(ApiKeys.DELETE_GROUPS, this::delete);
        router.register(ApiKeys.CONSUMER_GROUP_DESCRIBE, this::describeConsumerGroups);
    }

    private void list(KafkaRequest request) {
        ListGroupsRequest body = (ListGroupsRequest) request.body();
        Replies.whenDone(
                request, coordinator.listGroups(CallContext.of(request), body.data()), ListGroupsResponse::new);
    }

    private void describe(KafkaRequest request) {
        DescribeGroupsRequest body = (DescribeGroupsRequest) request.body();
        boolean withOperations = body.data().includeAuthorizedOperations()
                && request.header().apiVersion() >= FIRST_DESCRIBE_VERSION_WITH_OPERATIONS;
        Replies.whenDone(
                request,
                coordinator.describeGroups(CallContext.of(request), body.data().groups()),
                groups -> {
                    if (withOperations) {
                        groups.stream()
                                .filter(group -> group.errorCode() == Errors.NONE.code())
                                .forEach(group ->
                                        group.setAuthorizedOperations(AuthorizedOperations.all(ResourceType.GROUP)));
                    }
                    return new DescribeGroupsResponse(new DescribeGroupsResponseData().setGroups(groups));
                });
    }

    private void describeConsumerGroups(KafkaRequest request) {
        ConsumerGroupDescribeRequest body = (ConsumerGroupDescribeRequest) request.body();
        boolean withOperations = body.data().includeAuthorizedOperations();
        Replies.whenDone(
                request,
                coordinator.consumerGroupDescribe(
                        CallContext.of(request), body.data().groupIds()),
                groups -> {
                    if (withOperations) {
                        groups.stream()
                                .filter(group -> group.errorCode() == Errors.NONE.code())
                                .forEach(group ->
                                        group.setAuthorizedOperations(AuthorizedOperations.all(ResourceType.GROUP)));
                    }
                    return new ConsumerGroupDescribeResponse(new ConsumerGroupDescribeResponseData().setGroups(groups));
                });
    }

    private void delete(KafkaRequest request) {
        DeleteGroupsRequest body = (DeleteGroupsRequest) request.body();
        List<String> groups = body.data().groupsNames().stream().distinct().toList();
        CompletableFuture<DeleteGroupsResponseData> deleted = coordinator
                .deleteGroups(CallContext.of(request), groups, BufferSupplier.NO_CACHING)
                .handle((results, error) -> error == null
                        ? new DeleteGroupsResponseData().setResults(results)
                        : allFailed(groups, KafkaErrors.codeOf(error)));
        Replies.whenDone(request, deleted, DeleteGroupsResponse::new);
    }

    private static DeleteGroupsResponseData allFailed(List<String> groups, Errors error) {
        DeleteGroupsResponseData answer = new DeleteGroupsResponseData();
        groups.forEach(group -> answer.results()
                .add(new DeletableGroupResult().setGroupId(group).setErrorCode(error.code())));
        return answer;
    }
}
