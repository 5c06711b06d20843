import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * What a foreign client sees of driftline's topics and does to them: reads a whole topic as "key TAB value" lines (or "key
 * TAB bytes TAB headers" with sizes), appends a record, removes the first records of a partition, makes a topic (with settings NAME=VALUE), deletes it, changes a
 * setting, gives it more partitions.
 */
public class Topic {
    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[1]);
        switch (args[0]) {
            case "produce" -> produce(settings, args[2], args[3], Optional.empty(), -1);
            case "forge" -> produce(settings, args[2], args[4], Optional.of("driftline-control"), Integer.parseInt(args[3]));
            case "produce-bytes" -> produce(settings, args[2], "x".repeat(Integer.parseInt(args[3])), Optional.empty(), -1);
            case "create" -> {
                Map<String, String> configs = new HashMap<>(Map.of("max.message.bytes", "20971520", "message.timestamp.type", "LogAppendTime"));
                for (int at = 4; at < args.length; at++) configs.put(args[at].split("=")[0], args[at].split("=")[1]);
                admin(settings, admin -> admin.createTopics(List.of(
                    new NewTopic(args[2], Integer.parseInt(args[3]), (short) 1).configs(configs))).all());
            }
            case "set" -> admin(settings, admin -> admin.incrementalAlterConfigs(Map.of(
                new ConfigResource(ConfigResource.Type.TOPIC, args[2]),
                List.of(new AlterConfigOp(new ConfigEntry(args[3], args[4]), AlterConfigOp.OpType.SET)))).all());
            case "delete-records" -> admin(settings, admin -> admin.deleteRecords(Map.of(
                new TopicPartition(args[2], Integer.parseInt(args[3])), RecordsToDelete.beforeOffset(Long.parseLong(args[4])))).all());
            case "delete" -> admin(settings, admin -> admin.deleteTopics(List.of(args[2])).all());
            case "grow" -> admin(settings, admin ->
                admin.createPartitions(Map.of(args[2], NewPartitions.increaseTo(Integer.parseInt(args[3])))).all());
            case "sizes" -> consume(settings, args[2], true);
            default -> consume(settings, args[2], false);
        }
    }

    interface Call { org.apache.kafka.common.KafkaFuture<Void> on(Admin admin); }

    static void admin(Properties settings, Call call) throws Exception {
        try (var admin = Admin.create(settings)) {
            call.on(admin).get();
        }
    }

    static void produce(Properties settings, String topic, String value, Optional<String> header, int partition) throws Exception {
        settings.put("max.request.size", "25000000");
        settings.put("buffer.memory", "67108864");
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            var record = new ProducerRecord<>(topic, partition < 0 ? null : partition, "stray", value);
            header.ifPresent(name -> record.headers().add(name, "1".getBytes()));
            producer.send(record).get();
        }
    }

    static void consume(Properties settings, String topic, boolean sizes) {
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(info -> new TopicPartition(topic, info.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> {
                    var headers = new StringBuilder();
                    record.headers().forEach(header -> headers.append(header.key()).append('=').append(new String(header.value())).append(' '));
                    System.out.println(record.key() + "\t" + (sizes ? record.value().length() + "\t" + headers : record.value()));
                });
            }
        }
    }
}
