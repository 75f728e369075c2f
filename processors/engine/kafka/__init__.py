"""The engine on Kafka: Faust's consumer as its group, transactions, changelogs, and the process around it."""
