"""The label-efficiency curve: what each way of using few labels is worth, for several numbers of labelled subjects."""
