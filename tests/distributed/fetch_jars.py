#!/usr/bin/env python3
"""Fetches the Lance connector of Spark, with what it depends on, into DIRECTORY/jars. usage: fetch_jars.py DIRECTORY"""

import sys

from pyspark.sql import SparkSession

# The lean jar: the bundle of the same version does not start.
CONNECTOR = "org.lance:lance-spark-3.5_2.12:0.4.0"

if __name__ == "__main__":
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.jars.packages", CONNECTOR).config("spark.jars.ivy", sys.argv[1])
    builder.getOrCreate().stop()
