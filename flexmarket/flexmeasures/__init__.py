"""An organization reflected in a FlexMeasures server: its sites and devices, schedules, forecasts and prices."""
