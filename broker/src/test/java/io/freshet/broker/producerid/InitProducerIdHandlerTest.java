// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.producerid;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.fake.FakeRequest;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.message.InitProducerIdRequestData;
import org.apache.kafka.common.message.InitProducerIdResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.InitProducerIdRequest;
import org.apache.kafka.common.requests.InitProducerIdResponse;
import org.junit.jupiter.api.Test;

class InitProducerIdHandlerTest {
    private final List<CompletableFuture<IdRange>> asked = new ArrayList<>();
    private final ApiRouter router = new ApiRouter()
            .register(ApiKeys.INIT_PRODUCER_ID, new InitProducerIdHandler(() -> {
                CompletableFuture<IdRange> block = new CompletableFuture<>();
                asked.add(block);
                return block;
            }));

    @Test
    void idsComeFromBlocksWithoutRepetitionAndTheNextBlockIsAskedForAhead() {
        FakeRequest first = send(idempotent());
        assertThat(first.answer()).isNotDone();
        asked.get(0).complete(new IdRange(1000, 1010));
        Set<Long> ids = new HashSet<>(Set.of(data(first).producerId()));
        for (int i = 0; i < 8; i++) {
            ids.add(data(send(idempotent())).producerId());
        }
        assertThat(asked).hasSize(2);
        ids.add(data(send(idempotent())).producerId());
        FakeRequest waiting = send(idempotent());
        assertThat(waiting.answer()).isNotDone();
        asked.get(1).complete(new IdRange(5000, 5010));
        ids.add(data(waiting).producerId());

        assertThat(ids).hasSize(11).contains(1000L, 1009L, 5000L);
        assertThat(data(waiting).producerEpoch()).isZero();
    }

    @Test
    void morePendingThanABlockHoldsAreServedFromTheNext() {
        List<FakeRequest> waiting = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            waiting.add(send(idempotent()));
        }
        asked.get(0).complete(new IdRange(0, 2));
        assertThat(waiting.get(2).answer()).isNotDone();
        asked.get(1).complete(new IdRange(7, 8));
        assertThat(data(waiting.get(2)).producerId()).isEqualTo(7);
    }

    @Test
    void aQuorumThatDoesNotAnswerMakesTheProducerRetryAndTheNextRequestAsksAgain() {
        FakeRequest first = send(idempotent());
        asked.get(0).completeExceptionally(new FreshetException(ErrorKind.UNAVAILABLE, "no leader"));
        assertThat(error(first)).isEqualTo(Errors.COORDINATOR_LOAD_IN_PROGRESS);

        FakeRequest second = send(idempotent());
        asked.get(1).complete(new IdRange(3, 4));
        assertThat(data(second).producerId()).isEqualTo(3);
    }

    @Test
    void aTransactionalIdIsRefusedAtOnce() {
        assertThat(error(send(idempotent().setTransactionalId("tx")))).isEqualTo(Errors.UNSUPPORTED_VERSION);
        assertThat(asked).isEmpty();
    }

    @Test
    void anIdWithoutAnEpochIsInvalid() {
        assertThat(error(send(idempotent().setProducerId(5)))).isEqualTo(Errors.INVALID_REQUEST);
    }

    private static InitProducerIdRequestData idempotent() {
        return new InitProducerIdRequestData().setTransactionalId(null);
    }

    private FakeRequest send(InitProducerIdRequestData data) {
        FakeRequest request =
                new FakeRequest(new InitProducerIdRequest.Builder(data.setTransactionTimeoutMs(1000)).build((short) 5));
        router.handle(request);
        return request;
    }

    private static InitProducerIdResponseData data(FakeRequest request) {
        InitProducerIdResponse response =
                (InitProducerIdResponse) request.answer().getNow(null);
        assertThat(response).isNotNull();
        return response.data();
    }

    private static Errors error(FakeRequest request) {
        return Errors.forCode(data(request).errorCode());
    }
}
