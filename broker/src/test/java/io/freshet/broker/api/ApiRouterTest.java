// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.broker.fake.ControlFixture;
import io.freshet.broker.fake.FakeRequest;
import io.freshet.broker.fake.MemoryCluster;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.message.DeleteGroupsRequestData;
import org.apache.kafka.common.message.ListGroupsRequestData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiVersionsRequest;
import org.apache.kafka.common.requests.ApiVersionsResponse;
import org.apache.kafka.common.requests.DeleteGroupsRequest;
import org.apache.kafka.common.requests.ListGroupsRequest;
import org.apache.kafka.common.requests.ListGroupsResponse;
import org.junit.jupiter.api.Test;

class ApiRouterTest {
    private final ApiRouter router = new ApiRouter();

    @Test
    void anApiOrVersionThatIsNotServedEndsTheConnection() {
        router.register(ApiKeys.LIST_GROUPS, 0, 3, request -> {});

        assertThat(sent(new ListGroupsRequest.Builder(new ListGroupsRequestData()).build((short) 4))
                        .disconnected())
                .isCompletedWithValueMatching(reason -> reason.contains("LIST_GROUPS in version 4"));
        assertThat(sent(new DeleteGroupsRequest.Builder(new DeleteGroupsRequestData()).build((short) 2))
                        .disconnected())
                .isDone();
    }

    @Test
    void whatAHandlerThrowsIsAnsweredInTheRequestsOwnResponse() {
        router.register(ApiKeys.LIST_GROUPS, request -> {
            throw new FreshetException(ErrorKind.INVALID, "nonsense");
        });

        assertThat(error(sent(new ListGroupsRequest.Builder(new ListGroupsRequestData()).build((short) 4))))
                .isEqualTo(Errors.INVALID_REQUEST);
    }

    @Test
    void aFailedFutureIsAnsweredAndSoIsAFailureToMakeTheAnswer() {
        FakeRequest failed =
                new FakeRequest(new ListGroupsRequest.Builder(new ListGroupsRequestData()).build((short) 4));
        Replies.whenDone(
                failed,
                CompletableFuture.failedFuture(Errors.NOT_COORDINATOR.exception()),
                nothing -> new ListGroupsResponse(null));
        assertThat(error(failed)).isEqualTo(Errors.NOT_COORDINATOR);

        FakeRequest badAnswer =
                new FakeRequest(new ListGroupsRequest.Builder(new ListGroupsRequestData()).build((short) 4));
        Replies.whenDone(badAnswer, CompletableFuture.completedFuture(1), one -> {
            throw new IllegalStateException("bug");
        });
        assertThat(error(badAnswer)).isEqualTo(Errors.UNKNOWN_SERVER_ERROR);
    }

    @Test
    void unknownVersionsAndSecondHandlersAreRefusedAtStart() {
        router.register(ApiKeys.LIST_GROUPS, request -> {});

        assertThatThrownBy(() -> router.register(ApiKeys.LIST_GROUPS, request -> {}))
                .hasMessageContaining("handler already");
        assertThatThrownBy(() -> router.register(ApiKeys.INIT_PRODUCER_ID, 0, 6, request -> {}))
                .hasMessageContaining("knows 0 to 5");
    }

    @Test
    void apiVersionsTellsExactlyWhatIsRegistered() {
        try (ControlFixture broker = new ControlFixture()) {
            ApiVersionsResponse response = broker.call(new ApiVersionsRequest.Builder().build((short) 4));

            assertThat(response.data().errorCode()).isEqualTo(Errors.NONE.code());
            assertThat(response.data().apiKeys())
                    .hasSameSizeAs(broker.router.served().keySet());
            broker.router.served().forEach((api, versions) -> {
                assertThat(response.apiVersion(api.id).minVersion()).isEqualTo(versions.minVersion());
                assertThat(response.apiVersion(api.id).maxVersion()).isEqualTo(versions.maxVersion());
            });
            assertThat(response.apiVersion(ApiKeys.SHARE_FETCH.id)).isNull();
            assertThat(response.data().finalizedFeatures().find("metadata.version"))
                    .isNotNull();
            assertThat(response.data().finalizedFeatures().find("group.version").maxVersionLevel())
                    .isEqualTo((short) 1);
            assertThat(response.data().supportedFeatures().find("metadata.version"))
                    .isNotNull();
        }
    }

    @Test
    void apiVersionsRefusesUnnamedSoftwareAndClientsOfAnotherCluster() {
        try (ControlFixture broker = new ControlFixture()) {
            assertThat(versions(broker, named().setClientSoftwareName("no spaces allowed")))
                    .isEqualTo(Errors.INVALID_REQUEST);
            assertThat(versions(broker, named().setClusterId("another").setNodeId(1)))
                    .isEqualTo(Errors.REBOOTSTRAP_REQUIRED);
            assertThat(versions(
                            broker,
                            named().setClusterId(MemoryCluster.CLUSTER_ID).setNodeId(9)))
                    .isEqualTo(Errors.REBOOTSTRAP_REQUIRED);
            assertThat(versions(
                            broker,
                            named().setClusterId(MemoryCluster.CLUSTER_ID).setNodeId(1)))
                    .isEqualTo(Errors.NONE);
        }
    }

    @Test
    void everyErrorKindHasACode() {
        for (ErrorKind kind : ErrorKind.values()) {
            assertThat(KafkaErrors.codeOf(kind)).isNotEqualTo(Errors.NONE);
            assertThat(KafkaErrors.exceptionOf(new FreshetException(kind, "why")))
                    .hasMessage("why");
        }
        assertThat(List.of(ErrorKind.UNAVAILABLE, ErrorKind.INDETERMINATE))
                .allSatisfy(kind -> assertThat(KafkaErrors.codeOf(kind).exception())
                        .isInstanceOf(org.apache.kafka.common.errors.RetriableException.class));
    }

    private static ApiVersionsRequestData named() {
        return new ApiVersionsRequestData().setClientSoftwareName("test").setClientSoftwareVersion("1");
    }

    private static Errors versions(ControlFixture broker, ApiVersionsRequestData data) {
        ApiVersionsResponse response = broker.call(new ApiVersionsRequest(data, (short) 5));
        return Errors.forCode(response.data().errorCode());
    }

    private FakeRequest sent(org.apache.kafka.common.requests.AbstractRequest body) {
        FakeRequest request = new FakeRequest(body);
        router.handle(request);
        return request;
    }

    private static Errors error(FakeRequest request) {
        ListGroupsResponse response = (ListGroupsResponse) request.answer().getNow(null);
        assertThat(response).isNotNull();
        return Errors.forCode(response.data().errorCode());
    }
}
