"""The shapes of the exchange's results and events.

Numbers that are money or rates come as text, so that no digit is lost; times are epoch milliseconds, or
microseconds where the session asks for them. The exchange adds fields without notice: what is not named here
passes through. A field that is there in some cases only is not required; which cases stands at the class.
"""
