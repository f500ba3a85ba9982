// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.fake.ControlFixture;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.ConfigResource.Type;
import org.apache.kafka.common.message.DescribeConfigsRequestData;
import org.apache.kafka.common.message.DescribeConfigsRequestData.DescribeConfigsResource;
import org.apache.kafka.common.message.DescribeConfigsResponseData.DescribeConfigsResourceResult;
import org.apache.kafka.common.message.DescribeConfigsResponseData.DescribeConfigsResult;
import org.apache.kafka.common.message.ListConfigResourcesRequestData;
import org.apache.kafka.common.message.ListConfigResourcesResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.AlterConfigsRequest;
import org.apache.kafka.common.requests.AlterConfigsResponse;
import org.apache.kafka.common.requests.DescribeConfigsRequest;
import org.apache.kafka.common.requests.DescribeConfigsResponse;
import org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigSource;
import org.apache.kafka.common.requests.IncrementalAlterConfigsRequest;
import org.apache.kafka.common.requests.IncrementalAlterConfigsResponse;
import org.apache.kafka.common.requests.ListConfigResourcesRequest;
import org.apache.kafka.common.requests.ListConfigResourcesResponse;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ConfigApisTest {
    private static final ConfigResource TOPIC = new ConfigResource(Type.TOPIC, "events");
    private static final ConfigResource DEFAULT_BROKER = new ConfigResource(Type.BROKER, "");
    private static final ConfigResource BROKER = new ConfigResource(Type.BROKER, "1");

    private final ControlFixture broker =
            new ControlFixture(Map.of("log.retention.hours", "24", "message.max.bytes", "5000"));

    @AfterEach
    void close() {
        broker.close();
    }

    @Test
    void aTopicsConfigurationFollowsItsLayers() {
        broker.cluster.createTopic("events", 1);
        assertThat(broker.topicConfigs.apply("events").retentionMs).isEqualTo(24 * 3_600_000L);
        assertThat(broker.topicConfigs.apply("events").maxMessageSize()).isEqualTo(5000);

        assertThat(set(DEFAULT_BROKER, "message.max.bytes", "6000")).isEqualTo(Errors.NONE);
        assertThat(broker.topicConfigs.apply("events").maxMessageSize()).isEqualTo(6000);
        assertThat(set(BROKER, "message.max.bytes", "7000")).isEqualTo(Errors.NONE);
        assertThat(broker.topicConfigs.apply("events").maxMessageSize()).isEqualTo(7000);
        assertThat(set(TOPIC, "max.message.bytes", "8000")).isEqualTo(Errors.NONE);
        assertThat(broker.topicConfigs.apply("events").maxMessageSize()).isEqualTo(8000);

        LogConfig parsed = broker.topicConfigs.apply("events");
        assertThat(broker.topicConfigs.apply("events")).isSameAs(parsed);
        DescribeConfigsResourceResult described = described(TOPIC, "max.message.bytes");
        assertThat(described.value()).isEqualTo("8000");
        assertThat(described.configSource()).isEqualTo(ConfigSource.TOPIC_CONFIG.id());
        assertThat(described.synonyms().stream().map(synonym -> synonym.value()))
                .startsWith("8000", "7000", "6000", "5000");
        assertThat(described.documentation()).isNotBlank();

        assertThat(alter(TOPIC, "max.message.bytes", null, OpType.DELETE)).isEqualTo(Errors.NONE);
        assertThat(broker.topicConfigs.apply("events").maxMessageSize()).isEqualTo(7000);
    }

    @Test
    void aStandInNameIsShownAsTheSource() {
        broker.cluster.createTopic("events", 1);

        DescribeConfigsResourceResult retention = described(TOPIC, "retention.ms");

        assertThat(retention.value()).isEqualTo("86400000");
        assertThat(retention.configSource()).isEqualTo(ConfigSource.STATIC_BROKER_CONFIG.id());
        assertThat(retention.synonyms().get(0).name()).isEqualTo("log.retention.hours");
        assertThat(described(TOPIC, "cleanup.policy").configSource()).isEqualTo(ConfigSource.DEFAULT_CONFIG.id());
    }

    @Test
    void topicChangesAreValidated() {
        broker.cluster.createTopic("events", 1);

        assertThat(set(TOPIC, "no.such.config", "1")).isEqualTo(Errors.INVALID_CONFIG);
        assertThat(set(TOPIC, "retention.ms", "soon")).isEqualTo(Errors.INVALID_CONFIG);
        assertThat(alter(TOPIC, "retention.ms", null, OpType.SET)).isEqualTo(Errors.INVALID_REQUEST);
    }

    @Test
    void brokerChangesAreAcceptedOnlyWhereTheyTakeEffect() {
        assertThat(set(BROKER, "log.retention.ms", "1000")).isEqualTo(Errors.NONE);
        assertThat(broker.topicConfigs.apply("any").retentionMs).isEqualTo(1000);
        assertThat(set(BROKER, "num.io.threads", "12")).isEqualTo(Errors.INVALID_REQUEST);
        assertThat(set(BROKER, "auto.create.topics.enable", "false")).isEqualTo(Errors.INVALID_REQUEST);
        assertThat(set(BROKER, "log.retention.ms", "soon")).isEqualTo(Errors.INVALID_REQUEST);
        assertThat(set(new ConfigResource(Type.BROKER, "2"), "log.retention.ms", "1"))
                .isEqualTo(Errors.INVALID_REQUEST);

        DescribeConfigsResourceResult retention = described(BROKER, "log.retention.ms");
        assertThat(retention.value()).isEqualTo("1000");
        assertThat(retention.configSource()).isEqualTo(ConfigSource.DYNAMIC_BROKER_CONFIG.id());
        assertThat(retention.readOnly()).isFalse();
        assertThat(described(BROKER, "auto.create.topics.enable").readOnly()).isTrue();
        assertThat(described(BROKER, "message.max.bytes").configSource())
                .isEqualTo(ConfigSource.STATIC_BROKER_CONFIG.id());
        assertThat(describe(DEFAULT_BROKER)).isEmpty();
    }

    @Test
    void theClustersDynamicValuesAreDescribedWhateverTheirType() {
        assertThat(set(DEFAULT_BROKER, "balance.enabled", "false")).isEqualTo(Errors.NONE);
        assertThat(set(DEFAULT_BROKER, "balance.exclude.topics", "a,b-*")).isEqualTo(Errors.NONE);
        assertThat(set(BROKER, "balance.enabled", "false")).isEqualTo(Errors.INVALID_REQUEST);

        assertThat(described(DEFAULT_BROKER, "balance.exclude.topics").value()).isEqualTo("a,b-*");
        assertThat(described(DEFAULT_BROKER, "balance.enabled").value()).isEqualTo("false");
        assertThat(described(BROKER, "balance.exclude.topics").value()).isEqualTo("a,b-*");
        assertThat(described(BROKER, "balance.enabled").readOnly()).isFalse();
    }

    @Test
    void groupsAndClientMetricsHaveConfigurations() {
        ConfigResource group = new ConfigResource(Type.GROUP, "payments");
        ConfigResource metrics = new ConfigResource(Type.CLIENT_METRICS, "all");

        assertThat(set(group, "consumer.session.timeout.ms", "50000")).isEqualTo(Errors.NONE);
        assertThat(set(group, "consumer.session.timeout.ms", "1")).isEqualTo(Errors.INVALID_CONFIG);
        assertThat(set(metrics, "interval.ms", "1000")).isEqualTo(Errors.NONE);

        assertThat(described(group, "consumer.session.timeout.ms").value()).isEqualTo("50000");
        assertThat(described(group, "consumer.heartbeat.interval.ms").value()).isEqualTo("5000");
        assertThat(described(metrics, "interval.ms").value()).isEqualTo("1000");
        ListConfigResourcesResponse listed =
                broker.call(new ListConfigResourcesRequest.Builder(new ListConfigResourcesRequestData()
                                .setResourceTypes(List.of(Type.GROUP.id(), Type.CLIENT_METRICS.id(), Type.BROKER.id())))
                        .build((short) 1));
        assertThat(listed.data().configResources().stream()
                        .map(ListConfigResourcesResponseData.ConfigResource::resourceName))
                .containsExactlyInAnyOrder("payments", "all", "1");
    }

    @Test
    void theOlderCallReplacesAllConfigurations() {
        broker.cluster.createTopic("events", 1);
        set(TOPIC, "retention.ms", "5");

        AlterConfigsResponse response = broker.call(new AlterConfigsRequest.Builder(
                        Map.of(
                                TOPIC,
                                new AlterConfigsRequest.Config(
                                        List.of(new AlterConfigsRequest.ConfigEntry("segment.ms", "9")))),
                        false)
                .build((short) 2));

        assertThat(response.errors().values().iterator().next().error()).isEqualTo(Errors.NONE);
        assertThat(broker.cluster.image().configs().configMapForResource(TOPIC))
                .containsExactly(Map.entry("segment.ms", "9"));
    }

    @Test
    void aTopicNamesItsWalLane() {
        broker.cluster.createTopic("events", 1);
        DescribeConfigsResourceResult unset = described(TOPIC, "wal.lane");
        assertThat(unset.value()).isEqualTo("block");
        assertThat(unset.configSource()).isEqualTo(ConfigSource.DEFAULT_CONFIG.id());
        assertThat(unset.documentation()).contains("write-ahead log");
        assertThat(broker.topicConfigs.lane("events")).isEqualTo("block");

        assertThat(set(TOPIC, "wal.lane", "s3")).isEqualTo(Errors.NONE);
        assertThat(broker.topicConfigs.lane("events")).isEqualTo("s3");
        DescribeConfigsResourceResult own = described(TOPIC, "wal.lane");
        assertThat(own.value()).isEqualTo("s3");
        assertThat(own.configSource()).isEqualTo(ConfigSource.TOPIC_CONFIG.id());
        assertThat(own.isSensitive()).isFalse();
        assertThat(own.synonyms().stream().map(synonym -> synonym.value())).containsExactly("s3", "block");
        assertThat(described(TOPIC, "retention.ms").value()).isNotNull();

        assertThat(set(TOPIC, "retention.ms", "1000")).as("beside it").isEqualTo(Errors.NONE);
        assertThat(alter(TOPIC, "wal.lane", null, OpType.DELETE)).isEqualTo(Errors.NONE);
        assertThat(broker.topicConfigs.lane("events")).isEqualTo("block");
    }

    @Test
    void aLaneThatNoBrokerRunsIsRefused() {
        broker.cluster.createTopic("events", 1);
        assertThat(set(TOPIC, "wal.lane", "tape")).isEqualTo(Errors.INVALID_CONFIG);
        try (ControlFixture s3Only = new ControlFixture(Map.of("wal.lanes", "s3", "wal.lane", "s3"))) {
            s3Only.cluster.createTopic("events", 1);
            IncrementalAlterConfigsResponse response = s3Only.call(new IncrementalAlterConfigsRequest.Builder(
                            Map.of(TOPIC, List.of(new AlterConfigOp(new ConfigEntry("wal.lane", "block"), OpType.SET))),
                            false)
                    .build((short) 1));
            assertThat(Errors.forCode(response.data().responses().get(0).errorCode()))
                    .isEqualTo(Errors.INVALID_CONFIG);
            assertThat(response.data().responses().get(0).errorMessage()).contains("must be one of [s3]");
            assertThat(s3Only.topicConfigs.lane("events")).isEqualTo("s3");
        }
    }

    @Test
    void unknownResourcesAreAnsweredOneByOne() {
        assertThat(describeError(TOPIC)).isEqualTo(Errors.UNKNOWN_TOPIC_OR_PARTITION);
        assertThat(describeError(new ConfigResource(Type.TOPIC, "bad name"))).isEqualTo(Errors.INVALID_TOPIC_EXCEPTION);
        assertThat(describeError(new ConfigResource(Type.BROKER, "7"))).isEqualTo(Errors.INVALID_REQUEST);
        assertThat(describeError(new ConfigResource(Type.BROKER, "x"))).isEqualTo(Errors.INVALID_REQUEST);
        assertThat(describeError(new ConfigResource(Type.BROKER_LOGGER, "1"))).isEqualTo(Errors.NONE);
    }

    private DescribeConfigsResourceResult described(ConfigResource resource, String name) {
        return Objects.requireNonNull(describe(resource).get(name), name);
    }

    private Errors set(ConfigResource resource, String name, String value) {
        return alter(resource, name, value, OpType.SET);
    }

    private Errors alter(ConfigResource resource, String name, @Nullable String value, OpType operation) {
        IncrementalAlterConfigsResponse response = broker.call(new IncrementalAlterConfigsRequest.Builder(
                        Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(name, value), operation))), false)
                .build((short) 1));
        return Errors.forCode(response.data().responses().get(0).errorCode());
    }

    private Errors describeError(ConfigResource resource) {
        return Errors.forCode(result(resource).errorCode());
    }

    private Map<String, DescribeConfigsResourceResult> describe(ConfigResource resource) {
        DescribeConfigsResult result = result(resource);
        assertThat(Errors.forCode(result.errorCode()))
                .as("answer for %s: %s", resource, result.errorMessage())
                .isEqualTo(Errors.NONE);
        return result.configs().stream()
                .collect(java.util.stream.Collectors.toMap(DescribeConfigsResourceResult::name, config -> config));
    }

    private DescribeConfigsResult result(ConfigResource resource) {
        DescribeConfigsResponse response =
                broker.call(new DescribeConfigsRequest.Builder(new DescribeConfigsRequestData()
                                .setIncludeSynonyms(true)
                                .setIncludeDocumentation(true)
                                .setResources(List.of(new DescribeConfigsResource()
                                        .setResourceType(resource.type().id())
                                        .setResourceName(resource.name())
                                        .setConfigurationKeys(null))))
                        .build((short) 4));
        return response.data().results().get(0);
    }
}
