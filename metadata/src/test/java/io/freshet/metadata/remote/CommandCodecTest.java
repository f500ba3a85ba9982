// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.remote.CommandCodec.Received;
import io.freshet.metadata.remote.CommandSamples.Sample;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.errors.TopicExistsException;
import org.junit.jupiter.api.Test;

/** Every command and answer survives the way over the wire; damage is INVALID, never anything else. */
class CommandCodecTest {
    private static final long SEED = Long.getLong("freshet.test.seed", 20260101L);
    private static final String CLUSTER = "cluster-1";

    private final Random random = new Random(SEED);
    private final CommandSamples samples = new CommandSamples(random);

    @Test
    void everyMethodOfTheControllerIsACommand() {
        Set<String> methods = Arrays.stream(ClusterController.class.getMethods())
                .filter(method -> !method.isSynthetic())
                .map(Method::getName)
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> commands = CommandTypes.ALL.byId().values().stream()
                .map(CommandType::name)
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(commands).isEqualTo(methods);
        assertThat(samples.all().stream().map(sample -> sample.type().name()))
                .containsExactlyInAnyOrderElementsOf(commands);
    }

    @Test
    void numbersNeverChange() {
        assertThat(CommandTypes.ALL.byId().values().stream().map(type -> type.id() + " " + type.name()))
                .containsExactlyInAnyOrder(
                        "1 createTopics",
                        "2 deleteTopics",
                        "3 createPartitions",
                        "4 incrementalAlterConfigs",
                        "5 legacyAlterConfigs",
                        "20 registerBroker",
                        "21 allocateProducerIds",
                        "22 heartbeat",
                        "23 alterPartitionReassignments",
                        "24 electLeaders",
                        "25 handOver",
                        "26 drainBroker",
                        "27 unregisterBroker",
                        "28 reportLoads",
                        "29 describeBalance",
                        "40 reserveObjectIds",
                        "41 commitObject",
                        "42 replaceSegments",
                        "43 trimStream",
                        "44 forgetObjects",
                        "45 leaseJob",
                        "46 readManifests",
                        "47 readObjects",
                        "48 readRetiredObjects",
                        "49 readObjectStates",
                        "60 openWal",
                        "61 sealWal",
                        "62 trimWal",
                        "63 retireWal",
                        "64 importWal",
                        "80 barrier",
                        "90 updateFeatures",
                        "91 registerController");
    }

    @Test
    void commandsAndAnswersComeBackAsTheyWere() {
        for (int i = 0; i < 200; i++) {
            samples.all().forEach(CommandCodecTest::requireRoundTrip);
        }
    }

    private static <Q, A> void requireRoundTrip(Sample<Q, A> sample) {
        ByteBuffer command = encode(sample);
        Received received = CommandCodec.command(command);
        assertThat(received.typeId()).isEqualTo(sample.type().id());
        assertThat(received.clusterId()).isEqualTo(CLUSTER);
        assertThat(CommandCodec.question(sample.type(), received))
                .as("seed %s", SEED)
                .isEqualTo(sample.question());
        ByteBuffer done = encodeDone(sample);
        Answer.Done answer = (Answer.Done) CommandCodec.answer(sample.type().name(), done);
        assertThat(answer.offset()).isEqualTo(77);
        assertThat(CommandCodec.result(sample.type(), answer))
                .as("seed %s", SEED)
                .isEqualTo(sample.answer());
    }

    @Test
    void otherAnswersComeBackAsTheyWere() {
        List<Answer> answers = List.of(
                new Answer.Failed(ErrorKind.FENCED, "old epoch"),
                new Answer.Refused((short) 36, null),
                Answer.of(new TopicExistsException("there")),
                new Answer.NotLeading(3, Optional.empty()),
                new Answer.NotLeading(9, Optional.of(new Node(2, "other", 9093))),
                new Answer.UnknownCommand((short) -1, "upgrade"));
        for (Answer answer : answers) {
            assertThat(CommandCodec.answer("trimStream", CommandCodec.encode(answer)))
                    .isEqualTo(answer);
        }
        for (ErrorKind kind : ErrorKind.values()) {
            Answer answer = Answer.of(new FreshetException(kind, "why"));
            Answer.Failed read = (Answer.Failed) CommandCodec.answer("x", CommandCodec.encode(answer));
            assertThat(read.exception().kind()).isEqualTo(kind);
            assertThat(read.exception()).hasMessage("why");
        }
    }

    @Test
    void whatIsCutOffIsInvalid() {
        for (Sample<?, ?> sample : samples.all()) {
            ByteBuffer command = encode(sample);
            ByteBuffer answer = encodeDone(sample);
            for (int length = 0; length < command.limit(); length++) {
                ByteBuffer cut = command.slice(0, length);
                requireInvalid(() -> readCommand(cut));
            }
            for (int length = 0; length < answer.limit(); length++) {
                ByteBuffer cut = answer.slice(0, length);
                requireInvalid(() -> readAnswer(sample.type(), cut));
            }
        }
    }

    @Test
    void aFlippedBitIsFoundByTheChecksum() {
        for (Sample<?, ?> sample : samples.all()) {
            ByteBuffer command = encode(sample);
            ByteBuffer answer = encodeDone(sample);
            for (int bit = 0; bit < command.limit() * 8; bit++) {
                ByteBuffer flipped = flip(command, bit);
                requireInvalid(() -> readCommand(flipped));
            }
            for (int bit = 0; bit < answer.limit() * 8; bit++) {
                ByteBuffer flipped = flip(answer, bit);
                requireInvalid(() -> readAnswer(sample.type(), flipped));
            }
        }
    }

    @Test
    void bodiesThatAreDamagedBelowTheChecksumAreReadOrInvalid() {
        int refused = 0;
        for (int i = 0; i < 300; i++) {
            for (Sample<?, ?> sample : samples.all()) {
                refused += isRefused(() -> readCommand(damage(encode(sample)))) ? 1 : 0;
                refused += isRefused(() -> readAnswer(sample.type(), damage(encodeDone(sample)))) ? 1 : 0;
            }
        }
        assertThat(refused).isGreaterThan(1000);
    }

    @Test
    void aBodyWithMoreThanItsVersionKnowsIsInvalid() {
        CommandType<Integer, ?> longer = CommandType.of(
                StreamCommandTypes.RESERVE_OBJECT_IDS.id(),
                "reserveObjectIds",
                Codec.of(
                        (out, count) -> {
                            out.writeInt(count);
                            out.writeByte(1);
                        },
                        CommandReader::readInt),
                BrokerCommandTypes.ID_RANGE,
                (controller, count) -> controller.reserveObjectIds(count));
        assertThatThrownBy(() -> readCommand(CommandCodec.encode(longer, (short) 0, CLUSTER, 5)))
                .isInstanceOf(FreshetException.class)
                .hasMessageContaining("1 bytes more than its version 0 knows");
    }

    @Test
    void anotherFormatAsksForAnUpgrade() {
        ByteBuffer command = encode(samples.all().get(0));
        command.putShort(4, (short) 2).putInt(CommandCodec.CRC_AT, CommandCodec.crcOf(command));
        assertThatThrownBy(() -> CommandCodec.command(command))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessageContaining("upgrade");
    }

    private static <Q> ByteBuffer encode(Sample<Q, ?> sample) {
        return CommandCodec.encode(sample.type(), sample.type().version(), CLUSTER, sample.question());
    }

    private static <A> ByteBuffer encodeDone(Sample<?, A> sample) {
        return CommandCodec.encodeDone(sample.type(), sample.type().version(), 77, sample.answer());
    }

    private static void readCommand(ByteBuffer frame) {
        Received received = CommandCodec.command(frame);
        CommandTypes.ALL.find(received.typeId()).ifPresent(type -> CommandCodec.question(type, received));
    }

    private static void readAnswer(CommandType<?, ?> type, ByteBuffer frame) {
        if (CommandCodec.answer(type.name(), frame) instanceof Answer.Done done) {
            CommandCodec.result(type, done);
        }
    }

    /** Some bytes of the body are others, with a checksum that fits. */
    private ByteBuffer damage(ByteBuffer frame) {
        ByteBuffer damaged = copy(frame);
        for (int i = random.nextInt(3); i >= 0; i--) {
            int body = damaged.limit() - CommandCodec.HEADER_BYTES;
            if (body > 0) {
                int at = CommandCodec.HEADER_BYTES + random.nextInt(body);
                damaged.put(at, (byte) (random.nextBoolean() ? random.nextInt() : damaged.get(at) ^ 0xFF));
            }
        }
        return damaged.putInt(CommandCodec.CRC_AT, CommandCodec.crcOf(damaged));
    }

    private static ByteBuffer flip(ByteBuffer frame, int bit) {
        ByteBuffer flipped = copy(frame);
        return flipped.put(bit / 8, (byte) (flipped.get(bit / 8) ^ (1 << (bit % 8))));
    }

    private static ByteBuffer copy(ByteBuffer frame) {
        return ByteBuffer.allocate(frame.remaining()).put(frame.duplicate()).flip();
    }

    private static void requireInvalid(Runnable reading) {
        assertThat(isRefused(reading)).as("refused").isTrue();
    }

    private static boolean isRefused(Runnable reading) {
        try {
            reading.run();
            return false;
        } catch (FreshetException e) {
            assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
            assertThat(e.getMessage()).isNotBlank();
            return true;
        }
    }
}
